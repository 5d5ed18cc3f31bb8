import { useEffect, useRef, useState, type ReactNode } from 'react';
import { IconButton } from './Button';
import styles from './Panel.module.css';

export interface PanelProps {
  readonly heading: string;
  readonly closeLabel: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A panel beside the stage. Takes the focus when it opens and gives it back when it closes. */
export function Panel({ heading, closeLabel, onClose, children }: PanelProps) {
  const place = useRef<HTMLElement>(null);
  // Before anything inside takes the focus for itself, as the box of the chat does.
  const [before] = useState(() => document.activeElement);
  useEffect(() => {
    const panel = place.current;
    if (panel && !panel.contains(document.activeElement)) panel.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [before]);
  return (
    <aside
      className={styles['panel']}
      ref={place}
      tabIndex={-1}
      aria-label={heading}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) onClose();
      }}
    >
      <div className={styles['top']}>
        <h2>{heading}</h2>
        <IconButton icon="close" aria-label={closeLabel} onClick={onClose} />
      </div>
      {children}
    </aside>
  );
}
