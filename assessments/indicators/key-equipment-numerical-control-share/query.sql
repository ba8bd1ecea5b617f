-- Key machines under numerical control that proved it by answering / key machines in the ledger (all production machines where
-- none is key). One whose control the ledger does not tell, or that did not answer, is neither: it widens the bounds.
-- Parameters: $start, $stop. Times are whole microseconds since 1970-01-01 UTC.
WITH
production AS (
    SELECT equipment, key, control
    FROM equipment
    WHERE NOT regexp_matches(kind, 'meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway')
),
subjects AS (
    SELECT equipment, control
    FROM production
    WHERE key OR NOT EXISTS (SELECT 1 FROM production AS other WHERE other.key)
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
    SELECT s.equipment, s.control, d.points,
           d.equipment IS NOT NULL AND coalesce(s.control IN ('nc', 'cnc', 'dnc', 'fmc', 'plc', 'dcs', 'pcs'), false) AS proven,
           coalesce(s.control IN ('manual', 'other'), false) AS manual
    FROM subjects AS s
    LEFT JOIN delivering AS d USING (equipment)
),
answer AS (
    SELECT count(*) AS machines,
           count(control) AS told,
           count(*) FILTER (proven) AS proven,
           count(*) FILTER (NOT proven AND NOT manual) AS untold,
           coalesce(flatten(list(points ORDER BY equipment) FILTER (proven)), []) AS points,
           coalesce(list(equipment ORDER BY equipment) FILTER (proven), []) AS numerically_controlled,
           coalesce(list(equipment ORDER BY equipment) FILTER (manual), []) AS not_numerically_controlled,
           coalesce(list(equipment ORDER BY equipment) FILTER (NOT proven AND NOT manual), []) AS not_proven
    FROM machine
)
SELECT 'plant' AS subject,
       CASE WHEN machines = 0 THEN 'the ledger names no production machine'
            WHEN told = 0 THEN 'the ledger does not say how machines are controlled' END AS not_applicable,
       CASE WHEN untold * 10 > machines THEN 'more than a tenth of what counts could not be told from the data' END AS inconclusive,
       proven AS numerator, machines AS denominator,
       proven AS lower_numerator, machines AS lower_denominator,
       proven + untold AS upper_numerator, machines AS upper_denominator,
       machines - untold AS covered, machines AS coverable,
       machines AS ledger,
       points, EXISTS (SELECT 1 FROM production WHERE key) AS key_machines_only,
       numerically_controlled, not_numerically_controlled, not_proven
FROM answer
