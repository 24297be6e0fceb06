// The code to hand in, as codes.py reads it: form, lesson, fingerprint, the tries of each exercise, two digits that check.

const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const FORM = 1, MODULUS = 1021, STEP = 10, MOST = 20, GROUP = 4, NO_MORE = 0;

function codeOf(lesson, triesOf) {
  const { names, fingerprint } = LESSONS[lesson], digits = [FORM, lesson, fingerprint >> 5, fingerprint & 31];
  for (const name of names) {
    const tries = triesOf(name);
    digits.push(...tries.filter(made => made > RIGHT).slice(0, MOST), tries.includes(RIGHT) ? RIGHT : NO_MORE);
  }
  const check = checkOf(digits);
  return [...digits, check >> 5, check & 31].map(digit => DIGITS[digit]).join("").replace(new RegExp(`.{${GROUP}}(?=.)`, "g"), "$&-");
}

function checkOf(digits) {
  let sum = 0, weight = 1;
  for (const digit of digits) {
    weight = weight * STEP % MODULUS;
    sum += digit * weight;
  }
  return sum % MODULUS;
}
