import { setNonce } from 'get-nonce'

/** Hand the nonce of this page to what makes style elements of its own: the lock on scrolling behind dialogs. */
export function trustStyles(): void {
  const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce
  if (nonce) setNonce(nonce)
}
