import { ask, onSubmit } from './forms.js';

const form = document.getElementById('sign-in');
if (form) {
  onSubmit(form, async ({ name, password }) => {
    try {
      await ask('POST', '/api/v1/auth/sign-in', { name, password });
    } catch (error) {
      form.elements.password.value = '';
      throw error;
    }
    location.replace(form.dataset.next);
  });
}
