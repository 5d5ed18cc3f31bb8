import styles from './Mark.module.css';

/** The word `moot`; its two o's are two people meeting. `waits` sets them apart, `meets` brings them together again and again. */
export function Mark({ motion = 'still', onStage = false }: { readonly motion?: 'still' | 'meets' | 'waits'; readonly onStage?: boolean }) {
  return (
    <span className={styles['mark']} data-motion={motion} data-on-stage={onStage || undefined} role="img" aria-label="moot" dir="ltr">
      <span aria-hidden="true">m</span>
      <i />
      <i />
      <span aria-hidden="true">t</span>
    </span>
  );
}

/** The two o's alone: the loading mark and the empty state. */
export function TwoRounds({ motion = 'meets', size = 28 }: { readonly motion?: 'still' | 'meets' | 'waits'; readonly size?: number }) {
  return (
    <span className={styles['rounds']} data-motion={motion} style={{ fontSize: size }} aria-hidden="true" dir="ltr">
      <i />
      <i />
    </span>
  );
}
