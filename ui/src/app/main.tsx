import '@/styles/global.css'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { place } from '@/api/place'
import { queryClient } from '@/api/query'
import { ShortcutProvider } from '@/components/shortcuts'
import { ToastProvider } from '@/components/Toast'
import { TooltipProvider } from '@/components/Tooltip'
import { startWords } from '@/i18n'
import { pageOfMlflowLink } from './mlflowLinks'
import { trustStyles } from './nonce'
import { router } from './router'

async function start(): Promise<void> {
  trustStyles()
  const page = pageOfMlflowLink(window.location.hash)
  if (page) window.history.replaceState(null, '', place.base + page)
  await Promise.all([startWords(), router.load()])
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <TooltipProvider delayDuration={400}>
          <ToastProvider>
            <ShortcutProvider>
              <RouterProvider router={router} />
            </ShortcutProvider>
          </ToastProvider>
        </TooltipProvider>
      </QueryClientProvider>
    </StrictMode>,
  )
}

void start()
