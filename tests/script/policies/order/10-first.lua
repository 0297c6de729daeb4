-- Order does not matter, also across files, and errors of all files show.
group "first" { ingress = { tcp { 80, from = group "third" } } }
group "fourth" { ingress = { tcp { 0, from = prefix_list "ofice" } } }
