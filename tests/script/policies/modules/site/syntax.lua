
group "x" = {}
