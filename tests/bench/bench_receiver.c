/* The daemon with the receiver's role alone, for one connection, with the keys of the benchmark:
 *   bench_receiver REDIS_SOCKET */
#include <stdio.h>
#include <string.h>

#include "payload.h"
#include "service/serve.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: bench_receiver REDIS_SOCKET\n");
        return 2;
    }
    static char listen[] = "127.0.0.1:0", none[] = "", prefix[] = "yq", level[] = "warn";
    static char id[] = PAYLOAD_CONNECTION;
    char url[300];
    (void)snprintf(url, sizeof(url), "unix:%s", argv[1]);
    struct yq_connection_settings connection = {.id = id};
    connection.callback.count = 1;
    connection.callback.receiver_count = 1;
    strcpy(connection.callback.keys[0].token, PAYLOAD_TOKEN);
    strcpy(connection.callback.receivers[0], PAYLOAD_RECEIVER);
    (void)yq_wecom_key(PAYLOAD_AES_KEY, YQ_WECOM_AES_KEY_TEXT, connection.callback.keys[0].aes_key);
    struct yq_settings settings = {.listen = listen,
                                   .admin_listen = none,
                                   .redis_url = url,
                                   .redis_prefix = prefix,
                                   .log_level = level,
                                   .redis_timeout_ms = 2000,
                                   .http = {262144, 16384, 5000, 1024, 1024},
                                   .connections = &connection,
                                   .connection_count = 1};
    struct yq_error err = {0};
    if (yq_serve(&settings, YQ_ROLE_RECEIVER, NULL, &err) == 0)
        return 0;
    fprintf(stderr, "%s\n", err.text);
    return 1;
}
