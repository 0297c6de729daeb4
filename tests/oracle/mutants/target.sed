# plugin/compile/emit-endpoints.c: any target in neighbour advertisements.
/match_nd\(e, ND_NEIGHBOR_ADVERT\);/{
n
s/match_nd_target\(e, p\);//
}
