import { Icon } from './Icon';
import styles from './Pick.module.css';

export interface PickProps {
  readonly label: string;
  readonly chosen: string;
  readonly choices: readonly { readonly id: string; readonly label: string }[];
  readonly onChoose: (id: string) => void;
}

/** One of several, in the system's own list. */
export function Pick({ label, chosen, choices, onChoose }: PickProps) {
  return (
    <label className={styles['pick']}>
      <span>{label}</span>
      <span className={styles['box']}>
        <select value={choices.some(({ id }) => id === chosen) ? chosen : ''} onChange={(event) => onChoose(event.target.value)}>
          {choices.map((choice) => (
            <option key={choice.id} value={choice.id}>
              {choice.label}
            </option>
          ))}
        </select>
        <Icon name="down" size={16} />
      </span>
    </label>
  );
}
