-- expect: files.lua:5: "io" is not available
-- expect: files.lua:6: "os" is not available
-- expect: files.lua:7: "dofile" is not available
-- expect: files.lua:8: the module "posix" is not there
io.open("/tmp/ovs-sg-hostile", "w"):write("x")
os.execute("touch /tmp/ovs-sg-hostile")
dofile "/etc/passwd"
require "posix"
