// What the forms of the sign-in pages share: sending JSON, telling what is wrong.
export class Refused extends Error {
  constructor(status, message, field) { super(message); this.status = status; this.field = field; }
}

export async function ask(method, path, body) {
  const options = { method, credentials: 'same-origin', headers: { Accept: 'application/json' } };
  if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refused(0, 'The server cannot be reached. Try again.');
  }
  const text = await answer.text();
  let content = {};
  try { content = text ? JSON.parse(text) : {}; } catch { content = {}; }
  if (!answer.ok) {
    throw new Refused(answer.status, content.detail || `The server answered with status ${answer.status}.`, content.field);
  }
  return content;
}

export function tell(message) { document.getElementById('problem').textContent = message; }

// Check what is required, have `send` called with the fields, and show what it throws beside the field at fault.
export function onSubmit(form, send) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    tell('');
    const fields = [...form.elements].filter((each) => each.name);
    for (const each of fields) each.removeAttribute('aria-invalid');
    const wrong = fields.find((each) => !each.checkValidity());
    if (wrong) return point(wrong, `${wrong.labels[0].firstChild.textContent.trim()}: ${wrong.validationMessage}`);
    const buttons = form.querySelectorAll('button');
    for (const each of buttons) each.disabled = true;
    try {
      await send(Object.fromEntries(fields.map((each) => [each.name, each.value])), event.submitter?.value);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      point(form.elements[error.field] || fields[0], error.message);
    } finally {
      for (const each of buttons) each.disabled = false;
    }
  });
}

function point(field, message) {
  tell(message);
  if (!field) return;
  field.setAttribute('aria-invalid', 'true');
  field.focus();
}

// The token of a one-time link stands behind the #, which browsers send to no server; it leaves the address bar at once.
export function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  history.replaceState(null, '', location.pathname);
  if (!token) tell('This link is not complete: open it just as you were given it.');
  return token;
}

export function samePassword(fields) {
  if (fields.password !== fields.again) throw new Refused(400, 'The two passwords are not the same.', 'again');
}
