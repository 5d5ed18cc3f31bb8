import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { LinkedText } from './LinkedText';

const html = (text: string): string => renderToStaticMarkup(<LinkedText text={text} />);

describe('the text of a message', () => {
  it('makes web addresses links, without the sentence around them', () => {
    expect(html('See https://example.org/a?b=c. Or (http://x.test/y)!')).toBe(
      'See <a href="https://example.org/a?b=c" target="_blank" rel="noopener noreferrer nofollow">https://example.org/a?b=c</a>. Or (<a href="http://x.test/y" target="_blank" rel="noopener noreferrer nofollow">http://x.test/y</a>)!',
    );
  });

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'https://bank.example@evil.test/',
    'https://',
    '"><svg onload=alert(1)>',
  ])('ERR-1: %j stays words', (text) => {
    const made = html(text);
    expect(made).not.toMatch(/<(?!\/?a[ >])/);
    expect(made).not.toContain('href="javascript');
    expect(made).not.toContain('href="https://bank.example@');
  });

  it('ends an address at an override of direction, so that it reads as it goes', () => {
    expect(html('https://example.org/\u202egpj.exe')).toContain('href="https://example.org/"');
  });
});
