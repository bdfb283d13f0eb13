import { ask, onSubmit, samePassword, takeToken } from './forms.js';

const token = takeToken();
onSubmit(document.getElementById('setup'), async (fields) => {
  samePassword(fields);
  const { name, password, display_name, email } = fields;
  await ask('POST', '/api/v1/auth/setup', { token, name, password, display_name, email });
  location.replace('/');
});
