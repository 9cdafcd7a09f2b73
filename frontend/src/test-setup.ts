// jsdom lacks three browser interfaces that the component library asks for.
if (!window.matchMedia) {
  window.matchMedia = (query: string) =>
    ({ matches: false, media: query, addEventListener() {}, removeEventListener() {}, addListener() {}, removeListener() {} }) as unknown as MediaQueryList
}
if (!('fonts' in document)) Object.assign(document, { fonts: new EventTarget() })
if (!('ResizeObserver' in window)) {
  Object.assign(window, { ResizeObserver: class { observe() {} unobserve() {} disconnect() {} } })
}
