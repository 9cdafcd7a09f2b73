import { useEffect, useRef } from 'react'

interface Handlers { palette: () => void; help: () => void; go: (letter: string) => void }

/** Whether a key belongs to something that takes text. */
export function typing(target: EventTarget | null): boolean {
  const el = target as HTMLElement | null
  return !!el?.closest?.('input, textarea, select, [contenteditable="true"], [role="combobox"]')
}

/** ⌘K and Ctrl+K open the palette, ? the help, / the page's search, g and a letter a place. */
export function useShortcuts(h: Handlers): void {
  const ref = useRef(h)
  ref.current = h
  useEffect(() => {
    let g = 0
    const onKey = (e: KeyboardEvent) => {
      if ((e.metaKey || e.ctrlKey) && e.key.toLowerCase() === 'k') {
        e.preventDefault()
        return ref.current.palette()
      }
      if (e.metaKey || e.ctrlKey || e.altKey || typing(e.target) || document.querySelector('[role="dialog"]')) return
      if (e.key === '?') return ref.current.help()
      if (e.key === '/') {
        const search = document.querySelector<HTMLElement>('[data-search] input, input[data-search]')
        if (search) {
          e.preventDefault()
          search.focus()
        }
        return
      }
      if (e.key === 'g') {
        g = Date.now()
        return
      }
      if (Date.now() - g < 1200 && /^[a-z]$/.test(e.key)) {
        g = 0
        e.preventDefault()
        return ref.current.go(e.key)
      }
      if (e.key === 'j' || e.key === 'k') {
        // From anywhere else the first row of the first table is the start.
        if (!(document.activeElement instanceof HTMLTableRowElement)) document.querySelector<HTMLElement>('tr[tabindex="0"]')?.focus()
      }
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}
