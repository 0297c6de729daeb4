# plugin/compile/static.c: any rule makes a guest a DHCP server.
/ct_tp_dst=<68:546>/s/load:1->/load:<0:1>->/
