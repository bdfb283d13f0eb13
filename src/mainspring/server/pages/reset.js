import { ask, onSubmit, samePassword, takeToken } from './forms.js';

const token = takeToken();
onSubmit(document.getElementById('reset'), async (fields) => {
  samePassword(fields);
  await ask('POST', '/api/v1/auth/password', { token, password: fields.password });
  location.replace('/login');
});
