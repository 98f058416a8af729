-- the day of 09/21/2023 and 2023-09-21T00:00:00Z; the first number of three is never guessed to be a day. The
-- expression with groups, which takes several times as long, is for what is written otherwise
create macro seeds.day_in(written) as case
    when written like '__/__/____'
        then try_cast(concat(substr(written, 7, 4), '-', substr(written, 1, 2), '-', substr(written, 4, 2)) as date)
    when written like '____-__-__%' then try_cast(written as date)
    else
        try_cast(
            regexp_replace(written, '^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})([ T].*)?$', '\3-\1-\2') as date
        )
end
