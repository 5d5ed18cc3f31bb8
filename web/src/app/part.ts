import { lazy, type ComponentType, type LazyExoticComponent } from 'react';
import { UnreachableError } from '../api/problem';

/** A part of the page that is loaded when it is wanted first. One that could not be loaded is asked for again only by a reload. */
export function part<P>(load: () => Promise<ComponentType<P>>): LazyExoticComponent<ComponentType<P>> {
  return lazy(async () => ({ default: await reached(load()) }));
}

/** What an import gives, or that the server did not give it: it may have a newer page by now. */
export async function reached<T>(imported: Promise<T>): Promise<T> {
  try {
    return await imported;
  } catch (error) {
    throw new UnreachableError(error);
  }
}
