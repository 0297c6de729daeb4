#!/usr/bin/env ovs-sgctl check
group "a" { ingress = { tcp { 80, from = any } } }
