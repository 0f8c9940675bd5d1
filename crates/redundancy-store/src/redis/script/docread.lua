-- ARGV: id. Gives the document up to the end of its record, or nothing.
return part(ARGV[1], false)
