return require "site.circle"
