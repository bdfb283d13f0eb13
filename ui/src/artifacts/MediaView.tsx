import type { ReactElement } from 'react'
import styles from './artifacts.module.css'
import { kindOf, nameOf } from './kinds'
import type { FileProps } from './source'
import { fileAddress } from './source'

/** A picture, a sound or a film, by the browser's own means: it asks for the parts that it plays. */
export function MediaView({ source, path }: FileProps): ReactElement {
  const address = fileAddress(source, path)
  const kind = kindOf(path)
  return (
    <div className={styles.media}>
      {kind === 'image' && <img src={address} alt={nameOf(path)} />}
      {/* What runs have recorded comes without captions. */}
      {/* eslint-disable-next-line jsx-a11y/media-has-caption */}
      {kind === 'audio' && <audio controls preload="metadata" src={address} aria-label={nameOf(path)} />}
      {/* eslint-disable-next-line jsx-a11y/media-has-caption */}
      {kind === 'video' && <video controls preload="metadata" src={address} aria-label={nameOf(path)} />}
    </div>
  )
}
