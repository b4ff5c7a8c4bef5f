// Prints the mail in a mailbox: cc -o read read.c && ./read henry 0-0 < mailboxes/henry.txt (0-0: the id it begins after)
// A \377 stands for each NUL, which would end a text, and a \376 for each \377: UTF-8 has neither.
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN "(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,9})"
#define ID OWN "(\\.[1-9][0-9]{0,14})?"
#define FENCE "^: after " OWN "\n"
#define EVENT "(event: [A-Za-z0-9._-]{1,64}\n)?"
#define RESERVED "^(message|open|error|gap|presence|typing|sent|delivered|read|bye|ready|ping)\n"

typedef struct { long long ms, seq, n; } Id;
static Id own, last, first, wrong = {-1, 0, 0};
static regmatch_t match[9];

static int has(const char *text, const char *form) {
  regex_t regex;
  regcomp(&regex, form, REG_EXTENDED);
  int found = regexec(&regex, text, 9, match, 0) == 0;
  regfree(&regex);
  return found;
}

static Id id_at(const char *text) {
  Id id = {0, 0, 0};
  sscanf(text, "%lld-%lld.%lld", &id.ms, &id.seq, &id.n);
  return id;
}

static int compare(Id a, Id b) {
  if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
  if (a.seq != b.seq) return a.seq < b.seq ? -1 : 1;
  return a.n < b.n ? -1 : a.n > b.n;
}

static char *value(char *line, const char *name) { // NULL: the line is another field
  size_t length = strlen(name);
  line += strspn(line, "\377");
  if (strncmp(line, name, length) || !strchr(":\n", line[length])) return NULL;
  return line + length + (line[length] == ':') + (line[length] == ':' && line[length + 1] == ' ');
}

static void print(const char *text) {
  for (; *text != '\n'; text++) {
    unsigned char c = *text;
    if (c < 32 || c == '"' || c == '\\' || c == 255) printf("\\u%04x", c == 255 ? 0 : c);
    else putchar(c);
  }
}

static int show(char *block, char *end, size_t size, const char *mailbox) { // 0: nothing behind it counts
  char *found, *type = "\n", *line = block + (strncmp(block, "\xef\xbb\xbf", 3) ? 0 : 3), *fields = line, kind = 0;
  int has_data = 0, lines = 0, is_fenced = has(block, FENCE), is_copy = 0, is_next;
  for (; line < end; line = strchr(line, '\n') + 1, lines++) {
    if (value(line, "data")) has_data = 1;
    if ((found = value(line, "event"))) type = found;
  }
  Id fence = id_at(block + 8), id = {0, 0, 0}, before = wrong;
  wrong.ms = -1;
  if (has(block, FENCE ": end " ID "( [0-9]{1,15})?\n$")) {
    kind = 'e', id = id_at(block + match[3].rm_so);
  } else if (has(block, FENCE ": late " ID " [0-9]{1,15}-[0-9]{1,15}\nid: " OWN "\n")) {
    kind = has_data && !strcmp(end - 9, "\n: whole\n") ? 'l' : 0, id = id_at(block + match[6].rm_so);
  } else if (has(block, FENCE "id: " OWN "\n" EVENT "data: [{]\"sender\":\"[^\"\\\n]*\",\"receiver\":\"([^\"\\\n]*)\"")) {
    int escapes = 0, length = match[6].rm_eo - match[6].rm_so, is_typed = match[5].rm_so != -1;
    while (end[-4 - escapes] == '\\') escapes++;
    kind = lines == 3 + is_typed && !strcmp(end - 3, "\"}\n") && escapes % 2 == 0 ? 'm' : 0, id = id_at(block + match[3].rm_so);
    is_copy = compare(fence, first) < 0 || strlen(mailbox) != length || strncmp(block + match[6].rm_so, mailbox, length);
  }
  if (size > (kind == 'l' ? 2 : 1) * 1048576 || has(end - 8 < block ? block : end - 8, "(^|\n): torn\n$")) return 1;
  if (is_fenced ? !kind : !has_data) return 1;
  is_next = is_fenced && !compare(fence, own) && compare(fence, before) && compare(id, last) >= (kind == 'e' ? 0 : 1);
  is_next = is_next && (id.ms <= 10000000000000 || id.ms <= own.ms + 1);
  if (is_next && kind == 'e') return 0;
  if (is_fenced && !is_next && !is_copy) return wrong = id, 1;
  if (is_next) own = last = id;
  else last.n++;
  printf(last.n ? "{\"id\":\"%lld-%lld.%lld\"" : "{\"id\":\"%lld-%lld\"", last.ms, last.seq, last.n);
  if (has(type, "^[A-Za-z0-9._-]{1,64}\n") && !has(type, RESERVED)) printf(",\"type\":\""), print(type), printf("\"");
  for (printf(",\"data\":\""), line = fields; line < end; line = strchr(line, '\n') + 1) {
    if (!(found = value(line, "data"))) continue;
    if (has_data++ > 1) printf("\\n");
    print(found);
  }
  return puts("\"}");
}

int main(int argc, char **argv) {
  size_t length = 0, size = 0;
  char *bytes = calloc(1, 65537), *at, *block, *next;
  for (int c; (c = getchar()) != EOF; bytes[length] = 0) {
    bytes[length++] = c == 0 ? '\377' : c == 255 ? '\376' : c;
    if (length % 65536 == 0) bytes = realloc(bytes, length + 65537);
  }
  last = own = first = id_at(argc > 2 ? argv[2] : "0-0");
  own.n = first.n = 0;
  char *to = block = bytes; // the lines of a block are put together there, each with a line feed
  for (at = bytes; *(next = at + strcspn(at, "\r\n")); at = next) {
    size_t text = next - at;
    next += next[0] == '\r' && next[1] == '\n' ? 2 : 1;
    if (text == 0) {
      *to = 0;
      if (to > block && !show(block, to, size, argv[1])) break;
      to = block, size = 0;
    } else {
      memmove(to, at, text);
      to[text] = '\n';
      to += text + 1, size += next - at;
    }
  }
  return 0;
}
