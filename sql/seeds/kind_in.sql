-- microsoft.sql/servers/databases of microsoft.sql, servers, NAME, databases, NAME
create macro seeds.kind_in(parts) as case
    when list_extract(parts, 2) <> '' and list_extract(parts, 4) <> '' and list_extract(parts, 6) <> ''
        then
            concat(
                list_extract(parts, 1), '/', list_extract(parts, 2), '/', list_extract(parts, 4), '/',
                list_extract(parts, 6)
            )
    when list_extract(parts, 2) <> '' and list_extract(parts, 4) <> ''
        then concat(list_extract(parts, 1), '/', list_extract(parts, 2), '/', list_extract(parts, 4))
    when list_extract(parts, 2) <> '' then concat(list_extract(parts, 1), '/', list_extract(parts, 2))
    else list_extract(parts, 1)
end
