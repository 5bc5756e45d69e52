@echo off
rem Installs Fineray from this folder, without a network. Needs the Python that the wheels are for.
rem   install.bat [PLACE]      PLACE: %LOCALAPPDATA%\Fineray-program unless given
setlocal
set "here=%~dp0"
set "place=%~1"
if "%place%"=="" set "place=%LOCALAPPDATA%\Fineray-program"
py -3 -m venv "%place%" || exit /b 1
"%place%\Scripts\python" -m pip install --no-index --find-links "%here%wheels" --require-hashes --requirement "%here%requirements.txt" || exit /b 1
for %%w in ("%here%wheels\fineray-*.whl") do "%place%\Scripts\python" -m pip install --no-index --no-deps "%%w" || exit /b 1
echo Installed. Start it with: %place%\Scripts\fineray
