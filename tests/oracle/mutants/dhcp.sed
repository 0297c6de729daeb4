# plugin/compile/static.c: any rule makes a guest a DHCP server.
/SG_T_EG_SERVER, 100, .*ct_tp_dst=68"/{
n
s/load:1->/load:0->/
}
