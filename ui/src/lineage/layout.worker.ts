import { placeNodes } from './layout'

// A thousand nodes take a second to place: not on the thread that draws.
self.onmessage = (event: MessageEvent<Parameters<typeof placeNodes>>) => {
  self.postMessage(placeNodes(...event.data))
}
