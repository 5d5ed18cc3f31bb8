import { Component, type ReactNode } from 'react';
import { problemCode } from '../api/problem';
import { sayFailure } from '../console';

export interface BoundaryProps {
  /** Shown instead of what could not be. */
  readonly instead?: ReactNode;
  readonly onFailure?: () => void;
  readonly children: ReactNode;
}

/** Keeps what cannot be shown inside from emptying the whole page. */
export class Boundary extends Component<BoundaryProps, { readonly hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { readonly hasFailed: boolean } {
    return { hasFailed: true };
  }

  /** React itself writes the error with its stack to the console. */
  override componentDidCatch(error: unknown): void {
    sayFailure('Error showing part of the page', { code: problemCode(error) });
    this.props.onFailure?.();
  }

  override render(): ReactNode {
    return this.state.hasFailed ? this.props.instead : this.props.children;
  }
}
