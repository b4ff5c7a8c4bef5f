import { describe, expect, test } from '@jest/globals';
import { linksIn } from '../../public/js/links.js';

/** A text and the targets of its links. */
const EXAMPLES: readonly (readonly [text: string, ...links: string[]])[] = [
  // Korean: particles, syllables of laughter, proper names
  ['https://example.com에서 봐요', 'https://example.com'],
  ['https://example.com을 열어', 'https://example.com'],
  ['https://example.com/docs를 읽어', 'https://example.com/docs'],
  ['https://naver.com에서는', 'https://naver.com'],
  ['https://naver.com/에서', 'https://naver.com/'],
  ['http://localhost:2012에서', 'http://localhost:2012'],
  ['https://192.168.0.1:8080/x로', 'https://192.168.0.1:8080/x'],
  ['https://a.com/b.html입니다.', 'https://a.com/b.html'],
  ['https://a.com/b#c은', 'https://a.com/b#c'],
  ['https://a.com/b,그리고', 'https://a.com/b'],
  ['https://a.com/bㅋㅋ', 'https://a.com/b'],
  ['https://a.com/b~', 'https://a.com/b'],
  ['https://a.com/b^^', 'https://a.com/b'],
  ['https://a.com(설명)', 'https://a.com'],
  ['https://a.com/b(설명)', 'https://a.com/b'],
  ['https://한국.kr/ 좋아', 'https://한국.kr/'],
  ['https://한글.한국에서', 'https://한글.한국'],
  ['https://k뉴스.com/a', 'https://k뉴스.com/a'],
  ['https://ko.wikipedia.org/wiki/한국', 'https://ko.wikipedia.org/wiki/한국'],
  ['https://a.com/b/한국_(나라)', 'https://a.com/b/한국_(나라)'],
  ['https://a.com/?q=가', 'https://a.com/?q=가'],
  // other scripts
  ['https://example.com/a，그리고', 'https://example.com/a'],
  ['https://a.com/docsを見て', 'https://a.com/docs'],
  ['https://abc.中国/x', 'https://abc.中国/x'],
  // brackets and quotes
  ['(참고: https://example.com/a）', 'https://example.com/a'],
  ['「https://example.com/a」', 'https://example.com/a'],
  ['『https://a.com』', 'https://a.com'],
  ['《https://a.com/b》을', 'https://a.com/b'],
  ['https://a.com/b（설명）', 'https://a.com/b'],
  ['“https://example.com/a”', 'https://example.com/a'],
  ['„https://a.com/b“', 'https://a.com/b'],
  ['«https://a.com/b»', 'https://a.com/b'],
  ['[https://example.com]', 'https://example.com'],
  ['[https://example.com/a]', 'https://example.com/a'],
  ['{https://example.com/a}', 'https://example.com/a'],
  ['<https://a.com/b>', 'https://a.com/b'],
  ['{"url":"https://example.com/a"}', 'https://example.com/a'],
  ['https://example.com/a_(b)', 'https://example.com/a_(b)'],
  ['(https://example.com/a_(b)).', 'https://example.com/a_(b)'],
  ['http://[::1]:2012/chat1.html', 'http://[::1]:2012/chat1.html'],
  // Markdown
  ['[글](https://a.com/b)', 'https://a.com/b'],
  ['[글](https://a.com/b_(c))', 'https://a.com/b_(c)'],
  ['*https://example.com/a*', 'https://example.com/a'],
  ['__https://a.com/b__', 'https://a.com/b'],
  ['~~https://a.com/b~~', 'https://a.com/b'],
  ['```https://a.com/b```', 'https://a.com/b'],
  ['https://example.com/a|https://example.com/b', 'https://example.com/a', 'https://example.com/b'],
  // ends of sentences, and what only looks like an end
  ['https://example.com/?q=a%20b.', 'https://example.com/?q=a%20b'],
  ['https://example.com…', 'https://example.com'],
  ['https://a.com.', 'https://a.com'],
  ['https://a.com/b😀', 'https://a.com/b'],
  ['https://a.com/~user/', 'https://a.com/~user/'],
  ['https://a.com/a_b_', 'https://a.com/a_b_'],
  ['HTTPS://A.COM/b', 'HTTPS://A.COM/b'],
  ['https://a.com/b\nnext', 'https://a.com/b'],
  ['https://example.com/a\u200b next', 'https://example.com/a'],
  // without a scheme
  ['www.naver.com 봐', 'https://www.naver.com'],
  ['www.naver.com에서', 'https://www.naver.com'],
  ['(www.example.com/a?b=c)', 'https://www.example.com/a?b=c'],
  ['www.naver'],
  ['xwww.naver.com'],
  ['example.net'],
  // mail addresses
  ['me@naver.com으로', 'mailto:me@naver.com'],
  ['(a.b+c@d-e.co.kr).', 'mailto:a.b+c@d-e.co.kr'],
  ['kim.min@gmail.com,lee@x.org', 'mailto:kim.min@gmail.com', 'mailto:lee@x.org'],
  ['a@b'],
  ['@henry'],
  // what would lead somewhere other than it says
  ['https://example.com/files\u202e4pm.exe'],
  ['https://google.com@evil.com/'],
  ['https://user:pw@evil.com/'],
  ['https://a.com:99999에'],
];

describe('links', () => {
  test.each(EXAMPLES)('end where a reader would end them: %s', (text, ...links) => {
    const found = linksIn(text);

    expect(found.map(({ href }) => href)).toEqual(links);
    for (const { start, end, href } of found) expect(href.endsWith(text.slice(start, end))).toBe(true);
  });

  const units = [')', '(', 'https://', 'www.', '@', 'a@', 'a@b.', 'https://a.b/(', 'https://a.b)', '가', 'https://가'];
  const more = ['.', 'a.', '*', 'https://a:', 'https://a:1', '-.', 'a', 'https://x.y/가', ' www.a.b'];

  // If the time grew with the square of the length, this would take minutes.
  test.each([...units, ...more])('are found in a million characters of %j', (unit) => {
    for (const start of ['https://x.y/', 'https://', '']) {
      const text = start + unit.repeat(1_000_000 / unit.length);

      const links = linksIn(text);

      expect(links.every(({ end }, i) => end <= (links[i + 1]?.start ?? text.length))).toBe(true);
    }
  });
});
