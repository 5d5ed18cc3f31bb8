import styles from './Loading.module.css';
import { TwoRounds } from './Mark';

/** Two rounds coming together, and what is being waited for. Shown only when it takes longer than a blink. */
export function Loading({ label, children }: { readonly label?: string; readonly children?: React.ReactNode }) {
  return (
    <div className={styles['loading']} role="status">
      <TwoRounds motion="meets" />
      {label && <p>{label}</p>}
      {children}
    </div>
  );
}
