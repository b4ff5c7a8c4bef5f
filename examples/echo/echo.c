#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

int main(void) {
  char *line = NULL, *to;
  size_t room = 0;
  if (getline(&line, &room, stdin) < 0) return 1;
  for (char *from = to = line; *from; from++) { // undoes the JSON around the message
    if (*from == '\\' && (from[1] == '"' || from[1] == '\\')) from++;
    *to++ = *from;
  }
  *to = 0;
  char *sender = strstr(line, "\"data\":\"{\"sender\":\""), *message = strstr(line, "\"message\":\"");
  char *end = strstr(line, "\",\"time\":\"");
  if (!sender || message < sender || end < message) return 0; // another program wrote it
  sender += strlen("\"data\":\"{\"sender\":\"");
  if (strncmp(sender, "bot\"", 4) == 0) return 0;
  printf("{\"sender\":\"bot\",\"receiver\":\"%.*s\",", (int)strcspn(sender, "\""), sender);
  printf("%.*s\",\"key\":\"echo-%.*s\"}", (int)(end - message), message, (int)strcspn(line + 7, "\""), line + 7);
}
