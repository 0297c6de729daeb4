return require "site.circle2"
