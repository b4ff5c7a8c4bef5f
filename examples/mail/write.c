// Appends a message to a mailbox: cc -o write write.c && ./write mailboxes/henry.txt 'hello'
// Without a text, it appends each line of its input, and prints the line once it is in the file.
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void append(const char *file, const char *text) {
  char *event = malloc(7 * strlen(text) + 16), *to = stpcpy(event, "\n\ndata: ");
  for (; *text; text++) {
    if (*text == '\n' || *text == '\r') to = stpcpy(to, "\ndata: "), text += text[0] == '\r' && text[1] == '\n';
    else *to++ = *text;
  }
  size_t length = stpcpy(to, "\n\n") - event;
  if (length - 3 > 1024 * 1024) errx(1, "A message may be 1 MiB long.");
  int fd = open(file, O_WRONLY | O_APPEND | O_CREAT, 0666);
  if (fd < 0 || write(fd, event, length) != (ssize_t)length) err(1, "%s", file);
  close(fd), free(event);
}

int main(int argc, char **argv) {
  char *line = NULL;
  size_t room = 0;
  if (argc > 2) return append(argv[1], argv[2]), 0;
  while (getline(&line, &room, stdin) > 0) line[strcspn(line, "\r\n")] = 0, append(argv[1], line), puts(line), fflush(stdout);
}
