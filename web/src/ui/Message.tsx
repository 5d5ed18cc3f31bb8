import type { ReactNode } from 'react';
import { Mark, TwoRounds } from './Mark';
import styles from './Message.module.css';

/** A page that says one thing, and what to do next. */
export function Message({ heading, text, motion = 'waits', children }: { readonly heading: string; readonly text?: ReactNode; readonly motion?: 'still' | 'meets' | 'waits'; readonly children?: ReactNode }) {
  return (
    <div className={styles['screen']}>
      <header className={styles['header']}>
        <Mark />
      </header>
      <main className={styles['main']}>
        <TwoRounds motion={motion} size={40} />
        <h1>{heading}</h1>
        {text && <p>{text}</p>}
        <div className={styles['actions']}>{children}</div>
      </main>
    </div>
  );
}
