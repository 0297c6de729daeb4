return tcp { 80, from = any }
