/* A tiny HTTP server: `server PORT [BACKEND…]` on the loopback, or on every address for a pod where
   it is `:PORT`. `/health` says 200; anything else says 200 if it
   has no backends or one of them (`127.0.0.1` ports) accepts a connection, and 503 otherwise.
   `/die` ends it with the exit code 3. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in local(int port) {
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int reaches(int port) {
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = local(port);
    int reached = connect(probe, (struct sockaddr *)&address, sizeof address) == 0;
    close(probe);
    return reached;
}

int main(int count, char **words) {
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    int everywhere = words[1][0] == ':';
    struct sockaddr_in address = local(atoi(words[1] + everywhere));
    if (everywhere) address.sin_addr.s_addr = htonl(INADDR_ANY);
    signal(SIGPIPE, SIG_IGN);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 512)) {
        perror("cannot listen");
        return 1;
    }
    printf("listening on %s\n", words[1]);
    fflush(stdout);
    for (;;) {
        char request[4096], answer[256];
        int client = accept(listener, 0, 0);
        if (client < 0) continue;
        ssize_t length = read(client, request, sizeof request - 1);
        request[length > 0 ? length : 0] = 0;
        if (strncmp(request, "GET /die", 8) == 0) return 3;
        int usable = count == 2 || strncmp(request, "GET /health", 11) == 0;
        for (int word = 2; word < count && !usable; word++) usable = reaches(atoi(words[word]));
        const char *status = usable ? "200 OK" : "503 Service Unavailable";
        int size = snprintf(answer, sizeof answer,
            "HTTP/1.1 %s\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}", status);
        if (write(client, answer, size) < 0) perror("cannot answer");
        shutdown(client, SHUT_WR);
        while (read(client, request, sizeof request) > 0) {}
        close(client);
    }
}
