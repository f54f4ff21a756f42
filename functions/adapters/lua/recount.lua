-- Repair the counts from the registers.
recount(ARGV[2])
return 1
