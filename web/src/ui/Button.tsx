import type { ButtonHTMLAttributes, ReactNode } from 'react';
import styles from './Button.module.css';
import { Icon, type IconName } from './Icon';

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className' | 'children'> {
  readonly tone?: 'go' | 'quiet' | 'stop' | 'plain';
  readonly size?: 'm' | 'l' | 's';
  readonly icon?: IconName;
  /** Shown as working: the press is answered, the result is on its way. It cannot be pressed again. */
  readonly isBusy?: boolean;
  readonly children?: ReactNode;
}

/** A button with words. */
export function Button({ tone = 'go', size = 'm', icon, isBusy = false, children, type = 'button', ...rest }: ButtonProps) {
  return (
    <button {...rest} type={type} className={styles['button']} data-tone={tone} data-size={size} aria-busy={isBusy || undefined} aria-disabled={isBusy || undefined}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className' | 'children'> {
  readonly icon: IconName;
  readonly 'aria-label': string;
  readonly iconSize?: number;
}

/** A small button that is an icon; its label is also its tooltip. */
export function IconButton({ icon, iconSize = 18, type = 'button', ...rest }: IconButtonProps) {
  return (
    <button title={rest['aria-label']} {...rest} type={type} className={styles['icon']}>
      <Icon name={icon} size={iconSize} />
    </button>
  );
}
