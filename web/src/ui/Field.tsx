import { useId, type InputHTMLAttributes, type ReactNode, type Ref } from 'react';
import styles from './Field.module.css';
import { Icon, type IconName } from './Icon';

export interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'className'> {
  readonly label: string;
  /** Show the label above the field; otherwise it is for screen readers, and the placeholder shows. */
  readonly showsLabel?: boolean;
  readonly icon?: IconName;
  readonly isCode?: boolean;
  readonly error?: string | null;
  readonly after?: ReactNode;
  readonly ref?: Ref<HTMLInputElement>;
}

/** One line to type in. */
export function Field({ label, showsLabel = false, icon, isCode = false, error = null, after, ref, ...rest }: FieldProps) {
  const id = useId();
  const errorId = `${id}-error`;
  return (
    <div className={styles['wrap']}>
      {showsLabel && (
        <label className={styles['label']} htmlFor={id}>
          {label}
        </label>
      )}
      <div className={styles['field']} data-invalid={error ? true : undefined}>
        {icon && <Icon name={icon} />}
        <input
          {...rest}
          ref={ref}
          id={id}
          className={isCode ? 'code' : undefined}
          aria-label={showsLabel ? undefined : label}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? errorId : undefined}
        />
        {after}
      </div>
      {error && (
        <p id={errorId} className={styles['error']} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
