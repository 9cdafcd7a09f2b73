import { MantineProvider, localStorageColorSchemeManager } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'

import '@fontsource/inter/latin-400.css'
import '@fontsource/inter/latin-500.css'
import '@fontsource/inter/latin-600.css'
import '@fontsource/inter/cyrillic-400.css'
import '@fontsource/inter/cyrillic-500.css'
import '@fontsource/jetbrains-mono/latin-400.css'
import '@fontsource/jetbrains-mono/latin-500.css'
import '@fontsource/jetbrains-mono/cyrillic-400.css'
import './app/mantine.css'
import './theme/tokens.css'
import './app/palette.css'

import { api } from './api/calls'
import { makeClient } from './api/queries'
import { startWatcher } from './api/watch'
import { makeRouter } from './app/router'
import { Gate } from './auth/Gate'
import { session } from './auth/session'
import { resolver, theme } from './theme/theme'

const client = makeClient()
startWatcher(client)
void session.start(api.signInWay)
const schemes = localStorageColorSchemeManager({ key: 'b2-scheme' })

/** Made when somebody is in: a sign-in may have changed the address before. */
function Routes() {
  const [router] = useState(makeRouter)
  return <RouterProvider router={router} />
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={resolver} colorSchemeManager={schemes} defaultColorScheme="auto">
      <QueryClientProvider client={client}>
        <Gate><Routes /></Gate>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
