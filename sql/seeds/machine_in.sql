-- the instance type at the end of a meter or usage type, NULL where there is none:
-- BoxUsage:m5.large, db.r5.large, r5.large.search, n2-standard-4, e2-micro, Standard_D4s_v5
create macro seeds.machine_in(meter) as nullif(
    -- the meter of a database says db.r5.2xl for db.r5.2xlarge
    regexp_replace(
        regexp_extract(
            meter,
            '(?:^|[:|])('
            || '(?:[a-z]+[.])?[a-z][a-z0-9-]*[.](?:nano|micro|small|medium|[0-9]*x?large|[0-9]*xl|metal[a-z0-9-]*)'
            || '(?:[.][a-z]+)?'
            || '|[a-z][0-9]+[a-z]?-[a-z]+[a-z0-9-]*'
            || '|(?:Standard|Basic)_[A-Z][A-Za-z0-9_-]*'
            || ')(?:[|]|$)',
            1
        ),
        '[.]([0-9]*)xl$',
        '.\1xlarge'
    ),
    ''
)
