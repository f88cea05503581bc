/* A Modbus TCP server on libmodbus. Standard input: lines "address word", then "."; afterwards it prints its
 * port and serves these words as holding and as input registers until it is killed. */

#include <arpa/inet.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REGISTERS 400

static int fail(const char *what)
{
    perror(what);
    return EXIT_FAILURE;
}

int main(void)
{
    modbus_mapping_t *map = modbus_mapping_new(0, 0, REGISTERS, REGISTERS);
    modbus_t *server = modbus_new_tcp("127.0.0.1", 0);
    struct sockaddr_in bound;
    socklen_t length = sizeof bound;
    unsigned address, word;
    int listener, client;

    if (map == NULL || server == NULL)
        return fail("libmodbus");
    while (scanf("%u %u", &address, &word) == 2 && address < REGISTERS)
        map->tab_registers[address] = map->tab_input_registers[address] = (uint16_t) word;
    listener = modbus_tcp_listen(server, 4);
    if (listener < 0 || getsockname(listener, (struct sockaddr *) &bound, &length) < 0)
        return fail("listen");
    printf("%d\n", ntohs(bound.sin_port));
    fflush(stdout);
    while (modbus_tcp_accept(server, &listener) >= 0) {
        uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
        int received;
        while ((received = modbus_receive(server, query)) >= 0)
            if (received > 0)
                modbus_reply(server, query, received, map);
        client = modbus_get_socket(server);
        if (client >= 0)
            close(client);
    }
    return fail("accept");
}
