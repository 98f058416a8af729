-- the first credit of a commitment in a list that has one; one credit needs no search
create macro seeds.commitment_in(credits) as case
    when length(credits) = 1 then list_extract(credits, 1)
    else list_extract(list_filter(credits, lambda c: c.type like 'COMMITTED_USAGE_DISCOUNT%'), 1)
end
