// web PORT PIDFILE TITLE: answers every HTTP request with 200. Its pid is in PIDFILE before it
// answers, and TITLE is its command line, as web servers that rename themselves do it.
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Length: 3\r\n"
                             "Connection: close\r\n\r\nok\n";

static void end(int signal) {
  (void)signal;
  _exit(0);
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

// Arguments lie one after the other: the title takes the room of all of them.
static void rename_to(int argc, char **argv, const char *title) {
  size_t room = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]) + 1;
  memset(argv[0], 0, room);
  strncpy(argv[0], title, room - 1);
}

static void serve(int client) {
  char request[4096];
  size_t length = 0;
  while (length < sizeof request - 1) {
    ssize_t got = read(client, request + length, sizeof request - 1 - length);
    if (got <= 0) {
      break;
    }
    length += (size_t)got;
    request[length] = 0;
    if (strstr(request, "\r\n\r\n") != NULL) {
      if (write(client, answer, sizeof answer - 1) < 0) {
        perror("write");
      }
      break;
    }
  }
  close(client);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: web PORT PIDFILE TITLE\n");
    return 2;
  }
  signal(SIGTERM, end);
  signal(SIGQUIT, end);
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) {
    return fail("bind");
  }
  if (listen(listener, 64) != 0) {
    return fail("listen");
  }
  FILE *file = fopen(argv[2], "w");
  if (file == NULL || fprintf(file, "%d\n", (int)getpid()) < 0 || fclose(file) != 0) {
    return fail(argv[2]);
  }
  char *title = strdup(argv[3]);
  rename_to(argc, argv, title);
  for (;;) {
    int client = accept(listener, NULL, NULL);
    if (client >= 0) {
      serve(client);
    }
  }
}
