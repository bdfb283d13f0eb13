import { ask, onSubmit, Refused } from './forms.js';

const byId = (id) => document.getElementById(id);
const find = byId('find');
const answer = byId('answer');
const path = '/api/v1/auth/devices/';
let code = '';

// Whoever is not signed in does that first, and comes back with the code.
async function asking(method, target, body) {
  try {
    return await ask(method, target, body);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      location.replace(`/login?next=${encodeURIComponent(`/device#${code}`)}`);
      return new Promise(() => {});
    }
    throw error;
  }
}

onSubmit(find, async (fields) => {
  code = fields.code.trim();
  const device = await asking('GET', path + encodeURIComponent(code));
  byId('client').textContent = device.client;
  byId('account').textContent = device.account;
  byId('shown').textContent = device.user_code;
  find.hidden = true;
  answer.hidden = false;
  byId('asked').focus(); // not a button: who types Enter twice has not read it
});

onSubmit(answer, async (_, choice) => {
  const approve = choice === 'allow';
  await asking('POST', path + encodeURIComponent(code), { approve });
  answer.hidden = true;
  byId('outcome').textContent = approve
    ? 'Your terminal is signed in. You may close this window.'
    : 'Refused: your terminal is not signed in.';
  byId('done').hidden = false;
  byId('done').focus();
});

find.elements.code.value = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
