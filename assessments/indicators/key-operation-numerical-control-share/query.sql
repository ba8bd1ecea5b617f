-- Key operations all of whose machines are under numerical control and answered / key operations (all operations where none is key).
-- By hand, or with a machine that is not numerically controlled, an operation does not count; where the ledger does not tell, or a
-- machine did not answer, it widens the bounds. Parameters: $start, $stop. Times are whole microseconds since 1970-01-01 UTC.
WITH
subjects AS (
    SELECT operation, equipment
    FROM operations
    WHERE key OR NOT EXISTS (SELECT 1 FROM operations AS other WHERE other.key)
),
delivering AS (
    SELECT p.equipment, list(p.point ORDER BY p.point) AS points
    FROM points AS p
    WHERE p.point IN (
        SELECT point FROM samples
        WHERE quality = 0 AND time >= make_timestamp($start) AND time < make_timestamp($stop)
    )
    GROUP BY p.equipment
),
machine AS (
    SELECT m.operation, m.equipment, e.control, d.points,
           d.equipment IS NOT NULL AND coalesce(e.control IN ('nc', 'cnc', 'dnc', 'fmc', 'plc', 'dcs', 'pcs'), false) AS proven,
           coalesce(e.control IN ('manual', 'other'), false) AS manual
    FROM (SELECT operation, unnest(equipment) AS equipment FROM subjects) AS m
    LEFT JOIN equipment AS e USING (equipment)
    LEFT JOIN delivering AS d USING (equipment)
),
operation AS (
    SELECT s.operation, m.points, m.told,
           coalesce(m.proven, false) AS proven, coalesce(m.manual, true) AS manual
    FROM subjects AS s
    LEFT JOIN (
        SELECT operation, flatten(list(points ORDER BY equipment) FILTER (points IS NOT NULL)) AS points,
               count(control) AS told, bool_and(proven) AS proven, bool_or(manual) AS manual
        FROM machine
        GROUP BY operation
    ) AS m USING (operation)
),
answer AS (
    SELECT count(*) AS operations,
           coalesce(sum(told), 0) AS told,
           count(*) FILTER (proven) AS proven,
           count(*) FILTER (NOT proven AND NOT manual) AS untold,
           coalesce(list_sort(list_distinct(flatten(list(points) FILTER (proven)))), []) AS points,
           coalesce(list(operation ORDER BY operation) FILTER (proven), []) AS numerically_controlled,
           coalesce(list(operation ORDER BY operation) FILTER (manual), []) AS not_numerically_controlled,
           coalesce(list(operation ORDER BY operation) FILTER (NOT proven AND NOT manual), []) AS not_proven
    FROM operation
)
SELECT 'plant' AS subject,
       CASE WHEN operations = 0 THEN 'the site lists no operations'
            WHEN told = 0 THEN 'the ledger does not say how machines are controlled' END AS not_applicable,
       CASE WHEN untold * 10 > operations THEN 'more than a tenth of what counts could not be told from the data' END AS inconclusive,
       proven AS numerator, operations AS denominator,
       proven AS lower_numerator, operations AS lower_denominator,
       proven + untold AS upper_numerator, operations AS upper_denominator,
       operations - untold AS covered, operations AS coverable,
       operations AS ledger,
       points, EXISTS (SELECT 1 FROM operations WHERE key) AS key_operations_only,
       numerically_controlled, not_numerically_controlled, not_proven
FROM answer
