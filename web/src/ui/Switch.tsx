import { useId } from 'react';
import styles from './Switch.module.css';

export interface SwitchProps {
  readonly label: string;
  readonly hint?: string | null;
  readonly isOn: boolean;
  readonly onChange: (on: boolean) => void;
}

/** On or off, with its name and what it means. */
export function Switch({ label, hint = null, isOn, onChange }: SwitchProps) {
  const id = useId();
  return (
    <label className={styles['switch']}>
      <span className={styles['words']}>
        <span>{label}</span>
        {hint && <small id={id}>{hint}</small>}
      </span>
      <input type="checkbox" role="switch" aria-label={label} aria-checked={isOn} aria-describedby={hint ? id : undefined} checked={isOn} onChange={(event) => onChange(event.target.checked)} />
      <span className={styles['track']} aria-hidden="true" />
    </label>
  );
}
