// Sets the colour scheme before the first paint, so that a dark page never flashes white.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('b2-scheme')
  } catch {
    // Storage is refused: the system's scheme is used.
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
})()
