-- Production machines that proved digital by delivering a good value in the interval / production machines in the ledger.
-- One that the ledger calls digital, or says how to read, and that said nothing is neither digital nor not: it widens the bounds.
-- Parameters: $start, $stop. Times are whole microseconds since 1970-01-01 UTC.
WITH
subjects AS (
    SELECT equipment, digital OR connected AS said
    FROM equipment
    WHERE NOT regexp_matches(kind, 'meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway')
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
    SELECT s.equipment, s.said, d.points, d.equipment IS NOT NULL AS proven
    FROM subjects AS s
    LEFT JOIN delivering AS d USING (equipment)
),
answer AS (
    SELECT count(*) AS machines,
           count(*) FILTER (proven) AS proven,
           count(*) FILTER (said AND NOT proven) AS unproven,
           coalesce(flatten(list(points ORDER BY equipment) FILTER (proven)), []) AS points,
           coalesce(list(equipment ORDER BY equipment) FILTER (proven), []) AS proven_digital,
           coalesce(list(equipment ORDER BY equipment) FILTER (said AND NOT proven), []) AS said_digital_only,
           coalesce(list(equipment ORDER BY equipment) FILTER (NOT said AND NOT proven), []) AS not_digital
    FROM machine
)
SELECT 'plant' AS subject,
       CASE WHEN machines = 0 THEN 'the ledger names no production machine' END AS not_applicable,
       CASE WHEN unproven * 10 > machines THEN 'more than a tenth of what counts could not be told from the data' END AS inconclusive,
       proven AS numerator, machines AS denominator,
       proven AS lower_numerator, machines AS lower_denominator,
       proven + unproven AS upper_numerator, machines AS upper_denominator,
       machines - unproven AS covered, machines AS coverable,
       machines AS ledger,
       points, proven_digital, said_digital_only, not_digital
FROM answer
