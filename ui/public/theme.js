// Runs before anything is drawn, so that no page flashes in the wrong colours.
{
  const chosen = localStorage.getItem('mainspring.theme')
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  document.documentElement.dataset.theme = chosen === 'light' || chosen === 'dark' ? chosen : dark ? 'dark' : 'light'
}
