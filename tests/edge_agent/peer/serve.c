/* A Modbus server on libmodbus: over TCP, or with a device as argument over RTU as unit 1, 115200 8N1. Standard
 * input: lines "address word", then "."; afterwards it prints its port (0 for RTU) and serves these words as
 * holding and as input registers, and whether they are odd as coils and discrete inputs, until it is killed. */

#include <arpa/inet.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REGISTERS 400
#define UNIT 1

static int fail(const char *what)
{
    perror(what);
    return EXIT_FAILURE;
}

static modbus_mapping_t *mapping(void)
{
    modbus_mapping_t *map = modbus_mapping_new(REGISTERS, REGISTERS, REGISTERS, REGISTERS);
    unsigned address, word;

    while (map != NULL && scanf("%u %u", &address, &word) == 2 && address < REGISTERS) {
        map->tab_registers[address] = map->tab_input_registers[address] = (uint16_t) word;
        map->tab_bits[address] = map->tab_input_bits[address] = word & 1;
    }
    return map;
}

static void serve(modbus_t *server, modbus_mapping_t *map)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int received;

    while ((received = modbus_receive(server, query)) >= 0)
        if (received > 0)
            modbus_reply(server, query, received, map);
}

static int serve_tcp(modbus_mapping_t *map)
{
    modbus_t *server = modbus_new_tcp("127.0.0.1", 0);
    struct sockaddr_in bound;
    socklen_t length = sizeof bound;
    int listener = server == NULL ? -1 : modbus_tcp_listen(server, 4);

    if (listener < 0 || getsockname(listener, (struct sockaddr *) &bound, &length) < 0)
        return fail("listen");
    printf("%d\n", ntohs(bound.sin_port));
    fflush(stdout);
    while (modbus_tcp_accept(server, &listener) >= 0) {
        serve(server, map);
        if (modbus_get_socket(server) >= 0)
            close(modbus_get_socket(server));
    }
    return fail("accept");
}

static int serve_rtu(modbus_mapping_t *map, const char *device)
{
    modbus_t *server = modbus_new_rtu(device, 115200, 'N', 8, 1);

    if (server == NULL || modbus_set_slave(server, UNIT) < 0 || modbus_connect(server) < 0)
        return fail(device);
    puts("0");
    fflush(stdout);
    for (;;)
        serve(server, map); /* what is no frame for it ends modbus_receive, not the server */
}

int main(int count, char **arguments)
{
    modbus_mapping_t *map = mapping();

    if (map == NULL)
        return fail("libmodbus");
    return count > 1 ? serve_rtu(map, arguments[1]) : serve_tcp(map);
}
